//! Matrix products, factorizations, Fourier transforms and sorting on strided buffers.

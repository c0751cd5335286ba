//! Shaded relief of a real landscape, from the heights alone.
//!
//! Slope and aspect come from Horn's 3 x 3 differences (Proc. IEEE 69, 1981); the shade is that of a Lambertian
//! surface under a light from the north-west. The function is traced, optimized, fused and compiled; the result is
//! checked against scalar code that uses another formula, and timed against the same array operations one by one.
//!
//!     cargo run --release -p frit --example hillshade

#![expect(clippy::print_stdout, reason = "this is a program")]

use frit::{Array, DType, Dim, jit, spec};
use ndarray::{Array2, ArrayView2, s};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};
use std::time::Instant;

/// Metres between grid points: 3 arc seconds at 36.6 degrees north.
const DX: f64 = 74.5;
const DY: f64 = 92.6;
/// The light's height above the horizon and direction (from north, clockwise).
const ALTITUDE: f64 = FRAC_PI_4;
const AZIMUTH: f64 = 7.0 * FRAC_PI_4;

fn hillshade(z: Array) -> (Array, Array) {
    let (rows, cols) = (z.shape()[0].clone(), z.shape()[1].clone());
    // The window shifted by (i, j), of the size that has all its neighbours.
    let at = |i: i64, j: i64| {
        z.at((Dim::from(i)..&rows + (i - 2), Dim::from(j)..&cols + (j - 2))).astype(DType::F64)
    };
    let east = (at(0, 2) + at(1, 2) * 2.0 + at(2, 2) - at(0, 0) - at(1, 0) * 2.0 - at(2, 0)) / (8.0 * DX);
    let south = (at(2, 0) + at(2, 1) * 2.0 + at(2, 2) - at(0, 0) - at(0, 1) * 2.0 - at(0, 2)) / (8.0 * DY);
    let slope = east.hypot(south).arctan();
    let aspect = south.arctan2(-east);
    let light = FRAC_PI_2 - AZIMUTH;
    let zenith = FRAC_PI_2 - ALTITUDE;
    let shade = slope.cos() * zenith.cos() + slope.sin() * zenith.sin() * (aspect - light).cos();
    (shade.clip(0.0, 1.0) * 255.0, slope.degrees().mean(()))
}

/// The same with `ndarray`, one operation after the other.
fn op_by_op(z: &ArrayView2<'_, i16>) -> (Array2<f64>, f64) {
    let (rows, cols) = z.dim();
    let at = |i: usize, j: usize| z.slice(s![i..rows + i - 2, j..cols + j - 2]).mapv(f64::from);
    let east = (at(0, 2) + at(1, 2) * 2.0 + at(2, 2) - at(0, 0) - at(1, 0) * 2.0 - at(2, 0)) / (8.0 * DX);
    let south = (at(2, 0) + at(2, 1) * 2.0 + at(2, 2) - at(0, 0) - at(0, 1) * 2.0 - at(0, 2)) / (8.0 * DY);
    let mut steepness = east.clone();
    steepness.zip_mut_with(&south, |e, s| *e = e.hypot(*s));
    let slope = steepness.mapv(f64::atan);
    let mut aspect = south;
    aspect.zip_mut_with(&east, |s, e| *s = s.atan2(-e));
    let (light, zenith) = (FRAC_PI_2 - AZIMUTH, FRAC_PI_2 - ALTITUDE);
    let shade = slope.mapv(f64::cos) * zenith.cos()
        + slope.mapv(f64::sin) * zenith.sin() * (aspect - light).mapv(f64::cos);
    let mean = slope.mapv(f64::to_degrees).mean().unwrap_or(f64::NAN);
    (shade.mapv(|v| v.clamp(0.0, 1.0) * 255.0), mean)
}

/// An independent formula, without angles: the cosine between the surface normal and the light.
fn by_normals(z: &ArrayView2<'_, i16>, i: usize, j: usize) -> f64 {
    let h = |a: usize, b: usize| f64::from(z[[i + a, j + b]]);
    let p = (h(0, 2) + 2.0 * h(1, 2) + h(2, 2) - h(0, 0) - 2.0 * h(1, 0) - h(2, 0)) / (8.0 * DX);
    let q = (h(0, 0) + 2.0 * h(0, 1) + h(0, 2) - h(2, 0) - 2.0 * h(2, 1) - h(2, 2)) / (8.0 * DY);
    let light = [AZIMUTH.sin() * ALTITUDE.cos(), AZIMUTH.cos() * ALTITUDE.cos(), ALTITUDE.sin()];
    let cosine = (-p * light[0] - q * light[1] + light[2]) / (1.0 + p * p + q * q).sqrt();
    cosine.clamp(0.0, 1.0) * 255.0
}

fn best<R>(mut f: impl FnMut() -> R) -> f64 {
    (0..15)
        .map(|_| {
            let t = Instant::now();
            std::hint::black_box(f());
            t.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/jacksboro_fault_dem.npy");
    let z: Array2<i16> = ndarray_npy::read_npy(path)?;
    println!(
        "{} x {} heights, {} to {} m\n",
        z.nrows(),
        z.ncols(),
        z.iter().min().unwrap_or(&0),
        z.iter().max().unwrap_or(&0)
    );

    let f = jit(hillshade);
    let report = f.explain(&[spec(&[z.nrows(), z.ncols()], DType::I16)])?;
    println!("As traced:\n{}\n", report.traced);
    println!("After rewriting:\n{}\n", report.optimized);
    println!("Kernels:\n{}\n", report.dump("kernels")?);
    println!("{report}");

    let projected = f.memory((&z,))?.peak_bytes;
    let (results, measured) = f.call_with((&z,), &Default::default())?;
    println!("Peak memory: {projected} bytes projected, {measured} measured");
    assert!(measured <= projected && projected as f64 <= 1.1 * measured as f64);

    let (shade, slope) = (results[0].view::<f64>()?, results[1].view::<f64>()?.sum());
    let worst = shade
        .indexed_iter()
        .map(|(at, v)| (v - by_normals(&z.view(), at[0], at[1])).abs())
        .fold(0.0, f64::max);
    println!(
        "Greatest difference from the formula by normals: {worst:.1e} of 255; mean slope {slope:.2} degrees"
    );
    assert!(worst < 1e-9);

    let (fused, separate) = (best(|| f.call((&z,))), best(|| op_by_op(&z.view())));
    assert!((op_by_op(&z.view()).1 - slope).abs() < 1e-9);
    println!(
        "{:.2} ms fused, {:.2} ms op by op with ndarray: {:.1} times faster",
        fused * 1e3,
        separate * 1e3,
        separate / fused
    );

    // A glance at the result: brighter characters face the light.
    for i in (0..shade.shape()[0]).step_by(14) {
        let row: String = (0..shade.shape()[1])
            .step_by(6)
            .map(|j| char::from(b" .:-=+*#%@"[(shade[[i, j]] / 25.6) as usize]))
            .collect();
        println!("{row}");
    }
    Ok(())
}

//! Strided views of memory.

/// A strided window on memory: shape and strides in elements.
#[derive(Clone, Debug)]
pub struct View<T> {
    /// First element.
    pub pointer: *mut T,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Distances in elements.
    pub strides: Vec<isize>,
}

/// Element types of the routines: plain data.
pub trait Element: Copy + Send + Sync + 'static {}
impl<T: Copy + Send + Sync + 'static> Element for T {}

impl<T: Element> View<T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pointers to the first elements of the sub-arrays over the last `inner` axes, in C order of the others.
    pub fn outer(&self, inner: usize) -> Vec<*mut T> {
        let rank = self.shape.len() - inner;
        self.positions(&(0..rank).collect::<Vec<_>>())
    }

    /// Pointers to the first elements along an axis, in C order of the other axes.
    pub fn rows(&self, axis: usize) -> Vec<*mut T> {
        let others: Vec<usize> = (0..self.shape.len()).filter(|k| *k != axis).collect();
        self.positions(&others)
    }

    fn positions(&self, axes: &[usize]) -> Vec<*mut T> {
        let mut all = vec![self.pointer];
        for k in axes {
            let step = self.strides[*k];
            all = all
                .into_iter()
                .flat_map(|p| (0..self.shape[*k] as isize).map(move |i| p.wrapping_offset(i * step)))
                .collect();
        }
        if axes.iter().any(|k| self.shape[*k] == 0) { vec![] } else { all }
    }
}

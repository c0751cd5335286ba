//! The versions of a loop for the machine at hand.

/// Defines a function whose body is compiled for several sets of vector instructions, of which each call takes the widest
/// that the processor has. The compiler vectorizes for the features that a function names. A constant (or `_`) says whether
/// multiplication and addition are fused; the versions with it give the same bits.
macro_rules! for_features {
    ($name:ident<T: $bound:path>($($arg:ident: $t:ty),*) -> $result:ty, $fma:tt => $body:expr) => {
        fn $name<T: $bound>($($arg: $t),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
                fn widest<T: $bound>($($arg: $t),*) -> $result {
                    const $fma: bool = true;
                    $body
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide<T: $bound>($($arg: $t),*) -> $result {
                    const $fma: bool = true;
                    $body
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    let all = is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512vl");
                    // SAFETY: the processor has these features.
                    return unsafe { if all { widest::<T>($($arg),*) } else { wide::<T>($($arg),*) } };
                }
            }
            const $fma: bool = cfg!(target_arch = "aarch64");
            $body
        }
    };
}

pub(crate) use for_features;

//! Sizes and work as people read and write them: `74.5 GiB`, `3 MFLOP`, `500MB`.

/// A number with three significant digits and the prefix of its magnitude.
fn scaled(n: usize, base: f64, prefixes: &[&str]) -> (String, usize) {
    let (mut value, mut k) = (n as f64, 0);
    // What would print as 1024 (or 1000) of a unit is 1 of the next.
    while k + 1 < prefixes.len() && value >= base - 0.5 && n as f64 >= base {
        (value, k) = (value / base, k + 1);
    }
    if k == 0 {
        return (n.to_string(), 0);
    }
    let places = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{value:.places$}");
    let short = if places > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    (short.to_string(), k)
}

/// Bytes with a binary unit: `512 B`, `1.5 KiB`, `74.5 GiB`.
pub fn human_bytes(bytes: usize) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (number, k) = scaled(bytes, 1024.0, &UNITS);
    format!("{number} {}", UNITS[k])
}

/// Floating-point operations: `640 kFLOP`.
pub fn human_flops(flops: usize) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let (number, k) = scaled(flops, 1000.0, &PREFIXES);
    format!("{number} {}FLOP", PREFIXES[k])
}

/// Units of [`parse_bytes`], the letters in any case.
const UNITS: [(&str, f64); 11] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("PB", 1e15),
    ("KiB", 1024.0),
    ("MiB", 1048576.0),
    ("GiB", 1073741824.0),
    ("TiB", 1099511627776.0),
    ("PiB", 1125899906842624.0),
];

/// Reads `2GiB`, `500 MB`, `1000`. An error names the unit or number that it does not know.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits =
        text.find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')).unwrap_or(text.len());
    let number: f64 = match text[..digits].trim().parse() {
        Ok(n) if (0.0..=usize::MAX as f64).contains(&n) => n,
        _ => return Err(format!("`{text}` is no number of bytes, as 1000 or 2GiB")),
    };
    let unit = match text[digits..].trim() {
        "" => 1.0,
        name => UNITS.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, size)| *size).ok_or_else(
            || {
                let names: Vec<&str> = UNITS.iter().map(|(n, _)| *n).collect();
                format!("unknown unit `{name}` in `{text}`; use {}", names.join(", "))
            },
        )?,
    };
    Ok((number * unit) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1 MiB"),
            (8_000_000, "7.63 MiB"),
            (80_000_000_000, "74.5 GiB"),
            (720_000_000_000, "671 GiB"),
            (usize::MAX, "16 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(human_bytes(bytes), text);
        }
        assert_eq!(human_flops(999), "999 FLOP");
        assert_eq!(human_flops(999_999), "1 MFLOP");
        assert_eq!(human_flops(640_000), "640 kFLOP");
    }

    #[test]
    fn what_people_write() {
        assert_eq!(parse_bytes("1.5 KiB"), Ok(1536));
        assert_eq!(parse_bytes("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_bytes("2gib"), Ok(2 << 30));
        assert_eq!(parse_bytes("1e6"), Ok(1_000_000));
        assert_eq!(parse_bytes("12"), Ok(12));
        for wrong in ["2 parsecs", "-1", "", "GiB", "nan"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}

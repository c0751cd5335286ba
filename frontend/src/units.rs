//! Bytes as text.

const UNITS: [(&str, f64); 10] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
    ("TiB", 1024.0 * 1024.0 * 1024.0 * 1024.0),
];

/// Reads `2GiB`, `500MB`, `1000`.
pub fn parse_bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|e| format!("`{text}`: {e}"))?;
    let unit = match text[digits..].trim() {
        "" => 1.0,
        name => UNITS.iter().find(|(n, _)| *n == name).map(|(_, size)| *size).ok_or_else(|| {
            let names: Vec<&str> = UNITS.iter().map(|(n, _)| *n).filter(|n| *n != "KB").collect();
            format!("unknown unit `{name}`; use {}", names.join(", "))
        })?,
    };
    Ok((number * unit) as usize)
}

/// Writes `1.50 MiB`.
pub fn show_bytes(bytes: usize) -> String {
    let (mut v, mut unit) = (bytes as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if v < 1024.0 {
            break;
        }
        (v, unit) = (v / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{v:.2} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse_bytes("1.5 KiB"), Ok(1536));
        assert_eq!(parse_bytes("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_bytes("12"), Ok(12));
        assert!(parse_bytes("2 parsecs").is_err());
        assert_eq!(show_bytes(512), "512 B");
        assert_eq!(show_bytes(1536), "1.50 KiB");
        assert_eq!(show_bytes(80_000_000_000), "74.51 GiB");
    }
}

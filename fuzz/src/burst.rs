//! Inputs close to given ones, for a short run without an engine: the same for the same seed.

/// A generator of numbers (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `0..bound`; 0 where there is nothing to choose from.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z % bound.max(1) as u64) as usize
    }
}

/// Pieces that tend to matter somewhere.
const PIECES: [&str; 24] = [
    "\"",
    "<zq>",
    "\0",
    "%00",
    "\u{feff}",
    "đ",
    "Đ",
    "\u{0301}",
    "\u{202e}",
    "-1",
    "0",
    "null",
    "[]",
    "{}",
    "\\u0000",
    "18446744073709551616",
    "1e999",
    "2026-02-30",
    "\r\n",
    ",",
    ";",
    "&amp;",
    "=",
    "#",
];

/// `inputs` changed in one to eight places; `inputs` may not be empty.
pub fn changed(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].clone();
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() + 1);
        let end = at + random.below((input.len() - at).min(64) + 1);
        match random.below(6) {
            0 => drop(input.drain(at..end)),
            1 => {
                let piece = PIECES[random.below(PIECES.len())];
                input.splice(at..at, piece.bytes());
            }
            2 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            3 => {
                let other = &inputs[random.below(inputs.len())];
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(256) + 1);
                input.splice(at..end, other[from..to].iter().copied());
            }
            4 => input.truncate(input.len() - random.below(input.len().min(32) + 1)),
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
        }
    }
    input
}

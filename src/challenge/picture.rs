//! The picture of a typed code.
//!
//! Only filters whose every parameter we set are used (waves and a grid), none that draws its own randomness: one token
//! gives one picture, so asking for it again yields nothing new to compare. No picture keeps machines out for long; what
//! protects is that each is worth a single try.

use captcha::Captcha;
use captcha::filters::{Grid, Wave};
use rand::RngExt;

use super::typed_code::Code;

/// Width in pixels.
pub(super) const WIDTH: u32 = 220;
/// Height in pixels.
pub(super) const HEIGHT: u32 = 80;

/// Draws `code` as a PNG.
pub(super) fn draw(code: &Code) -> Vec<u8> {
    let mut random = code.randomness("picture");
    let mut captcha = Captcha::new();
    for digit in code.answer {
        captcha.set_chars(&[char::from(b'0' + digit)]).add_char();
    }
    let mut wave = |frequency: std::ops::Range<f64>, amplitude: std::ops::Range<f64>| {
        let sign = if random.random::<bool>() { 1.0 } else { -1.0 };
        Wave::new(
            random.random_range(frequency),
            sign * random.random_range(amplitude),
        )
    };
    let (up_and_down, left_and_right) = (wave(2.0..4.5, 6.0..11.0), wave(2.0..5.0, 3.0..6.0));
    let ripple = wave(8.0..14.0, 1.0..1.8);
    captcha
        .apply_filter(up_and_down.horizontal())
        .apply_filter(Grid::new(
            random.random_range(17..29),
            random.random_range(13..23),
        ))
        .apply_filter(left_and_right.vertical())
        .apply_filter(ripple.horizontal())
        .view(WIDTH, HEIGHT)
        .as_png()
        .expect("a picture of fixed size in memory can be encoded")
}

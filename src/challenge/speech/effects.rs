//! What is done to sounds; samples lie between -1 and 1.

use std::f32::consts::TAU;

use rand::RngExt;
use rand::rngs::StdRng;

use super::RATE;

/// How often phases are turned.
const PHASE_FILTERS: usize = 16;

/// Plays `samples` at `speed` on average: it glides and wavers by some per cent, and pitch moves with it.
pub(super) fn resample(samples: &[f32], speed: f32, random: &mut StdRng) -> Vec<f32> {
    let glide = random.random_range(-0.08..0.08_f32);
    let depth = random.random_range(0.03..0.07_f32);
    let step = TAU * random.random_range(3.0..7.0_f32) / RATE as f32;
    let mut angle = random.random_range(0.0..TAU);
    let length = samples.len() as f32;
    let mut played = Vec::with_capacity(samples.len() * 3 / 2);
    let mut at = 0.0_f32;
    while at + 1.0 < length {
        let (whole, part) = (at as usize, at.fract());
        played.push(samples[whole] * (1.0 - part) + samples[whole + 1] * part);
        let drift = 1.0 + glide * (2.0 * at / length - 1.0) + depth * angle.sin();
        at += speed * drift;
        angle += step;
    }
    played
}

/// Delays some frequencies against others by milliseconds (all-pass filters): the ear hears little of it, and a subtraction
/// of the original leaves nearly everything.
pub(super) fn turn_phases(samples: &mut [f32], random: &mut StdRng) {
    for _ in 0..PHASE_FILTERS {
        let radius = random.random_range(0.8..0.95_f32);
        let angle = TAU * random.random_range(150.0..2_400.0_f32) / RATE as f32;
        let (near, far) = (-2.0 * radius * angle.cos(), radius * radius);
        let (mut in_1, mut in_2, mut out_1, mut out_2) = (0.0, 0.0, 0.0, 0.0);
        for sample in &mut *samples {
            let out = far * *sample + near * in_1 + in_2 - near * out_1 - far * out_2;
            (in_2, in_1, out_2, out_1) = (in_1, *sample, out_1, out);
            *sample = out;
        }
    }
}

/// Lets the voice tremble in loudness and breathe: part of each sample is turned into noise as loud as it.
pub(super) fn roughen(samples: &mut [f32], random: &mut StdRng) {
    let depth = random.random_range(0.3..0.55_f32);
    let step = TAU * random.random_range(5.0..11.0_f32) / RATE as f32;
    let mut angle = random.random_range(0.0..TAU);
    let breath = random.random_range(0.4..0.6_f32);
    for sample in samples {
        let noise = random.random_range(-1.7..1.7_f32);
        *sample *= (1.0 + depth * angle.sin()) * (1.0 - breath + breath * noise);
        angle += step;
    }
}

/// Makes the upper half of the frequencies louder (positive) or quieter (negative).
pub(super) fn tilt(samples: &mut [f32], amount: f32) {
    let mut low = 0.0;
    for sample in samples {
        low += 0.45 * (*sample - low);
        *sample += amount * (*sample - low);
    }
}

/// Scales to `peak` at the loudest sample.
pub(super) fn level(samples: &mut [f32], peak: f32) {
    let loudest = samples
        .iter()
        .fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
    if loudest > 0.0 {
        samples
            .iter_mut()
            .for_each(|sample| *sample *= peak / loudest);
    }
}

/// Adds what the walls of a small room send back: four single echoes and one that dies away.
pub(super) fn reverberate(samples: &mut [f32], random: &mut StdRng) {
    let dry = samples.to_vec();
    for _ in 0..4 {
        let delay = random.random_range(RATE * 7 / 1_000..RATE * 45 / 1_000);
        let sign = if random.random() { 1.0 } else { -1.0 };
        let share = sign * random.random_range(0.1..0.28_f32);
        let echo = samples.iter_mut().skip(delay);
        echo.zip(&dry)
            .for_each(|(sample, dry)| *sample += share * dry);
    }
    let delay = random.random_range(RATE * 45 / 1_000..RATE * 80 / 1_000);
    let share = random.random_range(0.15..0.3_f32);
    for at in delay..samples.len() {
        samples[at] += share * samples[at - delay];
    }
}

/// Adds a hiss of random colour that swells and fades.
pub(super) fn add_noise(samples: &mut [f32], random: &mut StdRng) {
    let colour = random.random_range(0.25..0.9_f32);
    let loudness = random.random_range(0.03..0.06_f32);
    let step = TAU * random.random_range(0.3..1.2_f32) / RATE as f32;
    let mut angle = random.random_range(0.0..TAU);
    let mut last = 0.0;
    for sample in samples {
        last += colour * (random.random_range(-1.0..1.0_f32) - last);
        *sample += loudness * (1.0 + 0.6 * angle.sin()) * last;
        angle += step;
    }
}

/// Bytes that are silent at 128, the loudest sample near the end of their range.
pub(super) fn quantise(samples: &[f32]) -> Vec<u8> {
    let mut levelled = samples.to_vec();
    level(&mut levelled, 0.95);
    let byte = |sample: &f32| (128.0 + 127.0 * sample).round().clamp(0.0, 255.0) as u8;
    levelled.iter().map(byte).collect()
}

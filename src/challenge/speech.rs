//! The spoken digits of a typed code: prerecorded clips, strung together at uneven speed and distance over light noise.

use rand::RngExt;

use super::typed_code::Code;
use crate::domain::lang::Lang;

/// Samples a second, one byte each (unsigned, silence at 128).
const RATE: u32 = 8_000;

/// Bytes before the samples in a WAV file of plain PCM, ours and the clips alike.
const HEADER: usize = 44;

const SILENCE: u8 = 128;

/// Loudest noise, of 127.
const NOISE: i16 = 6;

macro_rules! clips {
    ($lang:literal) => {
        clips!($lang: 1 2 3 4 5 6 7 8 9)
    };
    ($lang:literal: $($digit:literal)*) => {
        [$(include_bytes!(concat!("../../templates/static/audio/", $lang, "/", $digit, ".wav"))),*]
    };
}

/// Clips of the digits 1 to 9, made by `templates/static/audio/record.sh`.
static VIETNAMESE: [&[u8]; 9] = clips!("vi");
static ENGLISH: [&[u8]; 9] = clips!("en");

/// Speaks `code` as a WAV file; at most 80 KB.
pub(super) fn speak(code: &Code, lang: Lang) -> Vec<u8> {
    let mut random = code.randomness(lang.code());
    let clips = match lang {
        Lang::Vi => &VIETNAMESE,
        Lang::En => &ENGLISH,
    };
    let mut samples = Vec::new();
    for digit in code.answer {
        let pause = random.random_range(RATE * 4 / 10..RATE * 7 / 10);
        samples.resize(samples.len() + pause as usize, SILENCE);
        let clip = clips
            .get(usize::from(digit).wrapping_sub(1))
            .and_then(|clip| clip.get(HEADER..))
            .unwrap_or_default();
        stretch(clip, random.random_range(90..=112), &mut samples);
    }
    samples.resize(samples.len() + (RATE * 4 / 10) as usize, SILENCE);
    for sample in &mut samples {
        let noise = random.random_range(-NOISE..=NOISE);
        *sample = u8::try_from((i16::from(*sample) + noise).clamp(0, 255)).unwrap_or(SILENCE);
    }
    wav(&samples)
}

/// Appends `clip` at `percent` of its length; pitch moves with it.
fn stretch(clip: &[u8], percent: usize, samples: &mut Vec<u8>) {
    let length = clip.len() * percent / 100;
    samples.extend((0..length).filter_map(|at| clip.get(at * 100 / percent)));
}

/// Puts the header of an 8-bit mono PCM file before `samples`, and the padding byte its format wants behind an odd number.
fn wav(samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).expect("a recording lasts a few seconds");
    let padding = length % 2;
    let mut file = Vec::with_capacity(HEADER + samples.len() + 1);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length + padding).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&8u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(samples);
    file.resize(file.len() + padding as usize, SILENCE);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clip_has_the_format_we_write() {
        for clip in VIETNAMESE.iter().chain(&ENGLISH) {
            let samples = u32::from_le_bytes(clip[40..44].try_into().unwrap()) as usize;
            let rewritten = wav(&clip[HEADER..HEADER + samples]);

            assert_eq!(clip[..HEADER], rewritten[..HEADER]);
            assert!((1_500..6_000).contains(&samples), "{samples}");
        }
    }

    #[test]
    fn stretching_keeps_the_length_asked_for() {
        let mut samples = Vec::new();
        stretch(&[7; 1_000], 112, &mut samples);
        assert_eq!(samples.len(), 1_120);
    }
}

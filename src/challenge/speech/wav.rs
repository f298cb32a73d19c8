//! WAV files of plain PCM: 8,000 samples a second, one byte each, unsigned, silent at 128.

use super::RATE;

const SILENCE: u8 = 128;

/// The samples of a file, between -1 and 1: those of its `data` chunk, and not the byte that pads an odd number of them.
pub(super) fn samples(file: &[u8]) -> Vec<f32> {
    let mut chunks = file.get(12..).unwrap_or_default();
    while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
        let [a, b, c, d, length @ ..] = *head;
        let length = u32::from_le_bytes(length) as usize;
        let body = rest.get(..length).unwrap_or(rest);
        if [a, b, c, d] == *b"data" {
            let sample = |byte: &u8| (f32::from(*byte) - f32::from(SILENCE)) / 128.0;
            return body.iter().map(sample).collect();
        }
        chunks = rest.get(length + length % 2..).unwrap_or_default();
    }
    Vec::new()
}

/// Puts the header before `samples`, and the byte behind an odd number of them that the format asks for.
pub(super) fn write(samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).expect("a recording lasts a few seconds");
    let padding = length % 2;
    let rate = u32::try_from(RATE).expect("a small constant");
    let mut file = Vec::with_capacity(44 + samples.len() + 1);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length + padding).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&8u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(samples);
    file.resize(file.len() + padding as usize, SILENCE);
    file
}

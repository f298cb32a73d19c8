//! The spoken digits of a typed code: recorded clips of several voices, each played at a drifting speed and through another
//! room, between and over words that are no digits.
//!
//! A machine that was trained for it hears these digits as well as a person does. What the effects prevent is only that the
//! clips, which anybody can download, are laid over the recording and subtracted.

mod clips;
mod effects;
mod wav;

#[cfg(test)]
mod tests;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::typed_code::Code;
use crate::domain::lang::Lang;
use clips::Voices;

/// Samples a second.
const RATE: usize = 8_000;

/// Layers of quiet speech played backwards under everything else.
const MURMURS: usize = 2;

/// Speaks `code` as a WAV file of 8,000 eight-bit samples a second; at most 100 KB.
pub(super) fn speak(code: &Code, lang: Lang) -> Vec<u8> {
    let mut random = code.randomness(lang.code());
    let voices = clips::voices(lang);
    let words = words(&code.answer, voices, &mut random);
    wav::write(&mix(&words, voices, &mut random))
}

/// One spoken digit and the sample of the recording it begins at.
struct Word {
    start: usize,
    samples: Vec<f32>,
}

impl Word {
    fn end(&self) -> usize {
        self.start + self.samples.len()
    }
}

/// The digits one after another, each from a voice of its own, with pauses of uneven length between them.
fn words(digits: &[u8], voices: &Voices, random: &mut StdRng) -> Vec<Word> {
    let mut end = 0;
    let mut words = Vec::with_capacity(digits.len());
    for digit in digits {
        let voice = voices
            .choose(random)
            .expect("every language has several voices");
        let clip = voice[usize::from(*digit) % voice.len()];
        let samples = disguise(&wav::samples(clip), random);
        let start = end + random.random_range(RATE * 30 / 100..RATE * 65 / 100);
        end = start + samples.len();
        words.push(Word { start, samples });
    }
    words
}

/// The clip at another speed, which drifts, with its phases and its timbre changed.
fn disguise(clip: &[f32], random: &mut StdRng) -> Vec<f32> {
    let mut samples = effects::resample(clip, random.random_range(0.85..1.18), random);
    effects::turn_phases(&mut samples, random);
    effects::roughen(&mut samples, random);
    effects::tilt(&mut samples, random.random_range(-0.4..0.7));
    effects::level(&mut samples, random.random_range(0.75..1.0));
    samples
}

/// A word that is no digit: a clip played backwards.
fn non_word(voices: &Voices, loudness: std::ops::Range<f32>, random: &mut StdRng) -> Vec<f32> {
    let voice = voices
        .choose(random)
        .expect("every language has several voices");
    let clip = voice.choose(random).expect("every voice has ten digits");
    let mut samples = wav::samples(clip);
    samples.reverse();
    let mut samples = effects::resample(&samples, random.random_range(0.8..1.25), random);
    effects::level(&mut samples, random.random_range(loudness));
    samples
}

/// Everything together, as bytes that are silent at 128.
fn mix(words: &[Word], voices: &Voices, random: &mut StdRng) -> Vec<u8> {
    let end = words.last().map_or(0, Word::end) + RATE * 4 / 10;
    let mut mixed = vec![0.0; end];
    let mut silent_from = 0;
    for word in words {
        add(&mut mixed, word.start, &word.samples);
        let between = non_word(voices, 0.2..0.42, random);
        let room = (word.start - silent_from).saturating_sub(between.len());
        add(
            &mut mixed,
            silent_from + random.random_range(0..=room),
            &between,
        );
        silent_from = word.end();
    }
    for _ in 0..MURMURS {
        let mut at = 0;
        while at < end {
            let murmur = non_word(voices, 0.08..0.16, random);
            add(&mut mixed, at, &murmur);
            at += murmur.len() * random.random_range(60..=100) / 100;
        }
    }
    effects::reverberate(&mut mixed, random);
    effects::add_noise(&mut mixed, random);
    effects::quantise(&mixed)
}

fn add(mixed: &mut [f32], start: usize, samples: &[f32]) {
    let place = mixed.iter_mut().skip(start);
    place
        .zip(samples)
        .for_each(|(mixed, sample)| *mixed += sample);
}

use std::collections::BTreeSet;

use rand::SeedableRng;

use super::*;

const LANGUAGES: [Lang; 2] = [Lang::Vi, Lang::En];

/// Speeds a clip is tried at, in per cent of its length.
const SPEEDS: std::ops::RangeInclusive<usize> = 90..=112;

/// What the matcher compares: half the samples, which is every frequency up to 2 kHz.
fn halved(samples: &[f32]) -> Vec<f32> {
    samples
        .chunks_exact(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0)
        .collect()
}

/// The clip at another speed, as recordings were made before clips were disguised.
fn stretched(samples: &[f32], percent: usize) -> Vec<f32> {
    (0..samples.len() * percent / 100)
        .filter_map(|at| samples.get(at * 100 / percent).copied())
        .collect()
}

/// Every clip at every speed, with its digit.
fn templates(voices: &Voices) -> Vec<(u8, Vec<f32>)> {
    let clips = voices.iter().flat_map(|voice| (0..).zip(voice));
    clips
        .flat_map(|(digit, clip)| {
            let samples = wav::samples(clip);
            SPEEDS.map(move |percent| (digit, levelled(&halved(&stretched(&samples, percent)))))
        })
        .collect()
}

/// At most the first quarter of a second, scaled to a mean of 1.
fn levelled(samples: &[f32]) -> Vec<f32> {
    let samples = &samples[..samples.len().min(RATE / 8)];
    let mean = samples.iter().map(|sample| sample.abs()).sum::<f32>() / samples.len() as f32;
    samples
        .iter()
        .map(|sample| sample / mean.max(f32::EPSILON))
        .collect()
}

/// The digit whose clip differs least from what begins at `start`, give or take some milliseconds: the attack on the earlier
/// recordings, which is spared here the search for where a word begins.
fn read(recording: &[f32], start: usize, templates: &[(u8, Vec<f32>)]) -> u8 {
    let mut best = (f32::INFINITY, 0);
    for offset in (0..RATE / 2 * 20 / 1_000).step_by(2) {
        let heard = recording.get(start / 2 + offset..).unwrap_or_default();
        let heard = levelled(heard);
        for (digit, template) in templates {
            let pairs = template.iter().zip(&heard);
            let apart: f32 = pairs
                .map(|(one, other): (&f32, &f32)| (one - other).abs())
                .sum();
            let apart = apart / template.len() as f32;
            if apart < best.0 {
                best = (apart, *digit);
            }
        }
    }
    best.1
}

/// Shares of digits and of whole codes that the matcher reads, of `recordings` in each language.
fn shares_read(
    recordings: u64,
    record: impl Fn(&[u8], &Voices, &mut StdRng) -> Recording,
) -> (f64, f64) {
    let (mut right, mut whole) = (0, 0);
    for lang in LANGUAGES {
        let voices = clips::voices(lang);
        let templates = templates(voices);
        for seed in 0..recordings {
            let mut random = StdRng::seed_from_u64(seed);
            let digits: [u8; 6] = std::array::from_fn(|_| random.random_range(0..=9));
            let (samples, starts) = record(&digits, voices, &mut random);
            let heard = halved(&samples);
            let words = digits.iter().zip(starts);
            let read = words
                .filter(|(digit, start)| read(&heard, *start, &templates) == **digit)
                .count();
            right += read;
            whole += read / digits.len();
        }
    }
    let all = (recordings * 2) as f64;
    (right as f64 / (all * 6.0), whole as f64 / all)
}

/// Samples, and where each word begins.
type Recording = (Vec<f32>, Vec<usize>);

fn as_heard(bytes: &[u8]) -> Vec<f32> {
    wav::samples(&wav::write(bytes))
}

fn disguised(digits: &[u8], voices: &Voices, random: &mut StdRng) -> Recording {
    let words = words(digits, voices, random);
    let starts = words.iter().map(|word| word.start).collect();
    (as_heard(&mix(&words, voices, random)), starts)
}

/// One voice, one speed a word, light noise: as recordings were made before.
fn plain(digits: &[u8], voices: &Voices, random: &mut StdRng) -> Recording {
    let (mut samples, mut starts) = (Vec::new(), Vec::new());
    for digit in digits {
        samples.resize(samples.len() + RATE / 2, 0.0);
        starts.push(samples.len());
        let clip = wav::samples(voices[0][usize::from(*digit)]);
        samples.extend(stretched(&clip, random.random_range(SPEEDS)));
    }
    samples
        .iter_mut()
        .for_each(|sample| *sample += random.random_range(-0.05..0.05_f32));
    (samples, starts)
}

#[test]
fn laying_the_clips_over_a_recording_reads_plain_ones_and_few_disguised_ones() {
    let recordings = match std::env::var("STRESS") {
        Ok(_) => 250,
        Err(_) => 1,
    };

    let (plain, plain_codes) = shares_read(recordings, plain);
    let (disguised, disguised_codes) = shares_read(recordings, disguised);

    println!(
        "{} codes: of the plain ones {plain:.3} of the digits and {plain_codes:.3} of the codes are read, \
         of the disguised ones {disguised:.3} and {disguised_codes:.3}",
        recordings * 2
    );
    assert!(plain > 0.95, "{plain}");
    assert!(disguised < 0.75, "{disguised}");
    assert!(disguised_codes < 0.5, "{disguised_codes}");
}

#[test]
fn no_two_recordings_of_the_same_digits_are_equal() {
    for lang in LANGUAGES {
        let voices = clips::voices(lang);
        let recordings: BTreeSet<Vec<u8>> = (0..40)
            .map(|seed| {
                let mut random = StdRng::seed_from_u64(seed);
                let words = words(&[4, 4, 4, 4, 4, 4], voices, &mut random);
                mix(&words, voices, &mut random)
            })
            .collect();

        assert_eq!(recordings.len(), 40);
    }
}

#[test]
fn a_clip_is_played_without_the_byte_that_pads_its_file() {
    let clips = LANGUAGES.map(clips::voices);
    let clips = clips.iter().flat_map(|voices| voices.iter().flatten());
    let mut odd = 0;
    for clip in clips {
        let length = u32::from_le_bytes(clip[40..44].try_into().unwrap()) as usize;
        odd += length % 2;
        assert_eq!(wav::samples(clip).len(), length);
    }
    assert!(odd > 10, "only {odd} clips would have shown it");
}

#[test]
fn every_clip_has_the_format_we_write() {
    for clip in LANGUAGES
        .map(clips::voices)
        .iter()
        .flat_map(|voices| voices.iter().flatten())
    {
        let length = u32::from_le_bytes(clip[40..44].try_into().unwrap()) as usize;
        let rewritten = wav::write(&clip[44..44 + length]);

        assert_eq!(clip[..44], rewritten[..44]);
        assert!((1_200..6_000).contains(&length), "{length}");
    }
}

#[test]
fn chunks_before_the_samples_and_a_torn_file_are_borne() {
    let file = wav::write(&[0, 128, 255]);
    let mut with_more = file[..36].to_vec();
    with_more.extend_from_slice(b"LIST\x03\0\0\0abc\0");
    with_more.extend_from_slice(&file[36..]);

    assert_eq!(wav::samples(&with_more), wav::samples(&file));
    assert_eq!(wav::samples(&file).len(), 3);
    for length in 0..file.len() {
        assert!(wav::samples(&file[..length]).len() <= 3);
    }
}

#[test]
fn silence_stays_silence() {
    let mut random = StdRng::seed_from_u64(1);
    let mut silence = vec![0.0; 2_000];

    effects::turn_phases(&mut silence, &mut random);
    effects::tilt(&mut silence, 0.5);
    effects::reverberate(&mut silence, &mut random);
    effects::level(&mut silence, 1.0);

    assert_eq!(
        effects::resample(&silence, 1.0, &mut random)
            .iter()
            .filter(|s| **s != 0.0)
            .count(),
        0
    );
    assert!(silence.iter().all(|sample| *sample == 0.0));
}

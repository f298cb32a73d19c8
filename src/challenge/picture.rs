//! The picture of a typed code: digits of a few strokes, bent, turned and crossed by lines.
//!
//! Everything is drawn from the code's own randomness: one token gives one picture, so asking for it again yields nothing
//! new to compare. No picture keeps machines out for long; what protects is that each is worth a single try.

mod strokes;

use std::f32::consts::TAU;

use rand::RngExt;
use rand::rngs::StdRng;

use super::typed_code::Code;
use strokes::Point;

/// Width in pixels.
pub(super) const WIDTH: u32 = 220;
/// Height in pixels.
pub(super) const HEIGHT: u32 = 80;

/// Draws `code` as a grey PNG.
pub(super) fn draw(code: &Code) -> Vec<u8> {
    png(&canvas(&code.answer, &mut code.randomness("picture")).ink)
}

/// A sheet that takes ink; 0 is blank, 255 black.
struct Canvas {
    ink: Vec<u8>,
}

fn canvas(digits: &[u8], random: &mut StdRng) -> Canvas {
    let mut canvas = Canvas {
        ink: vec![0; (WIDTH * HEIGHT) as usize],
    };
    let (across, down) = (WIDTH as f32, HEIGHT as f32);
    let bend = Bend::new(random);
    let pitch = (across - 24.0) / digits.len().max(1) as f32;
    for (place, digit) in digits.iter().enumerate() {
        let centre = Point {
            x: 12.0 + pitch * (place as f32 + 0.5) + random.random_range(-3.0..3.0),
            y: down / 2.0 + random.random_range(-7.0..7.0),
        };
        let size = Point {
            x: random.random_range(20.0..27.0),
            y: random.random_range(36.0..46.0),
        };
        let angle = random.random_range(-0.32..0.32_f32);
        let slant = random.random_range(-0.2..0.2_f32);
        let (thickness, darkness) = pen(random);
        for stroke in strokes::of(*digit, random) {
            let points = stroke.iter().map(|point| {
                let y = (point.y - 0.5) * size.y;
                let x = (point.x - 0.5) * size.x + slant * y;
                bend.moved(Point {
                    x: centre.x + x * angle.cos() - y * angle.sin(),
                    y: centre.y + x * angle.sin() + y * angle.cos(),
                })
            });
            canvas.stroke(&points.collect::<Vec<_>>(), thickness, darkness);
        }
    }
    for _ in 0..3 {
        crossing_line(&mut canvas, random);
    }
    for _ in 0..60 {
        let dot = Point {
            x: random.random_range(0.0..across),
            y: random.random_range(0.0..down),
        };
        let radius = random.random_range(0.6..1.6);
        canvas.stroke(&[dot, dot], radius, random.random_range(0.4..0.9));
    }
    canvas
}

/// Half the thickness of a line, and how dark it is.
fn pen(random: &mut StdRng) -> (f32, f32) {
    (random.random_range(1.6..2.4), random.random_range(0.8..1.0))
}

/// A wavy line from one side to the other, thinner and paler than a digit's, which a person sees through.
fn crossing_line(canvas: &mut Canvas, random: &mut StdRng) {
    let middle = random.random_range(18.0..HEIGHT as f32 - 18.0);
    let fall = random.random_range(-0.12..0.12_f32);
    let height = random.random_range(4.0..12.0_f32);
    let length = random.random_range(50.0..140.0_f32);
    let begin = random.random_range(0.0..TAU);
    let points = (0..=WIDTH as usize / 4).map(|step| {
        let x = step as f32 * 4.0;
        let wave = height * (begin + TAU * x / length).sin();
        Point {
            x,
            y: middle + fall * (x - WIDTH as f32 / 2.0) + wave,
        }
    });
    let (thickness, darkness) = pen(random);
    canvas.stroke(&points.collect::<Vec<_>>(), thickness * 0.5, darkness * 0.7);
}

/// Waves that move every point of the picture a little.
struct Bend {
    waves: [(f32, f32, f32); 4],
}

impl Bend {
    fn new(random: &mut StdRng) -> Self {
        let mut wave = |height: std::ops::Range<f32>, length: std::ops::Range<f32>| {
            (
                random.random_range(height),
                TAU / random.random_range(length),
                random.random_range(0.0..TAU),
            )
        };
        Self {
            waves: [
                wave(2.0..5.0, 60.0..140.0),
                wave(0.5..1.2, 14.0..26.0),
                wave(1.5..3.5, 40.0..90.0),
                wave(0.5..1.2, 14.0..26.0),
            ],
        }
    }

    fn moved(&self, point: Point) -> Point {
        let at = |(height, step, begin): (f32, f32, f32), along: f32| {
            height * (begin + step * along).sin()
        };
        let [down, ripple_down, across, ripple_across] = self.waves;
        Point {
            x: point.x + at(across, point.y) + at(ripple_across, point.y),
            y: point.y + at(down, point.x) + at(ripple_down, point.x),
        }
    }
}

impl Canvas {
    /// A line through `points` with round ends and soft edges.
    fn stroke(&mut self, points: &[Point], thickness: f32, darkness: f32) {
        for pair in points.windows(2) {
            let [from, to] = [pair[0], pair[1]];
            let reach = thickness + 1.0;
            let columns = pixels(from.x.min(to.x) - reach, from.x.max(to.x) + reach, WIDTH);
            let rows = pixels(from.y.min(to.y) - reach, from.y.max(to.y) + reach, HEIGHT);
            for y in rows {
                for x in columns.clone() {
                    let pixel = Point {
                        x: x as f32 + 0.5,
                        y: y as f32 + 0.5,
                    };
                    let cover = (thickness + 0.5 - distance(pixel, from, to)).clamp(0.0, 1.0);
                    let ink = (cover * darkness * 255.0) as u8;
                    if let Some(place) = self.ink.get_mut((y * WIDTH + x) as usize) {
                        *place = ink.max(*place);
                    }
                }
            }
        }
    }
}

/// The pixels of a row or column between two places, those outside the picture left out.
fn pixels(from: f32, to: f32, end: u32) -> std::ops::Range<u32> {
    from.max(0.0) as u32..(to.max(0.0).ceil() as u32).min(end)
}

/// How far `point` lies from the line between `from` and `to`.
fn distance(point: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx * dx + dy * dy;
    let along = ((point.x - from.x) * dx + (point.y - from.y) * dy) / length.max(f32::EPSILON);
    let along = along.clamp(0.0, 1.0);
    (point.x - from.x - along * dx).hypot(point.y - from.y - along * dy)
}

/// The ink as a grey PNG, black on white.
fn png(ink: &[u8]) -> Vec<u8> {
    let grey: Vec<u8> = ink.iter().map(|ink| 255 - ink).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&grey))
        .expect("a picture of fixed size in memory can be encoded");
    file
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn drawn(digits: &[u8], seed: u64) -> Canvas {
        canvas(digits, &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn the_same_digits_are_drawn_otherwise_each_time() {
        let pictures: std::collections::BTreeSet<Vec<u8>> =
            (0..40).map(|seed| drawn(&[8; 6], seed).ink).collect();

        assert_eq!(pictures.len(), 40);
    }

    #[test]
    fn a_picture_has_ink_under_every_digit_and_paper_around_it() {
        for seed in 0..20 {
            let canvas = drawn(&[0, 1, 2, 3, 4, 5], seed);
            for place in 0..6 {
                let columns = 12 + place * 32..12 + (place + 1) * 32;
                let dark = (0..WIDTH * HEIGHT)
                    .filter(|at| columns.contains(&(at % WIDTH)))
                    .filter(|at| canvas.ink[*at as usize] > 128)
                    .count();
                assert!((100..1_500).contains(&dark), "{seed} {place}: {dark}");
            }
        }
    }

    #[test]
    fn what_is_encoded_is_what_was_drawn() {
        let canvas = drawn(&[6, 7, 8, 9, 0, 1], 3);

        let file = png(&canvas.ink);

        let mut reader = png::Decoder::new(std::io::Cursor::new(&file))
            .read_info()
            .unwrap();
        let mut grey = vec![0; (WIDTH * HEIGHT) as usize];
        reader.next_frame(&mut grey).unwrap();
        assert!(grey.iter().zip(&canvas.ink).all(|(g, ink)| *g == 255 - ink));
        assert!(file.len() < 12_000, "{}", file.len());
    }
}

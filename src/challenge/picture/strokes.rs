//! Digits as strokes in a box of 1 by 1, the way people write them.

use std::f32::consts::PI;

use rand::RngExt;
use rand::rngs::StdRng;

/// A place; x to the right, y down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A part of a stroke.
enum Part {
    /// A line to a place.
    Line(f32, f32),
    /// Part of an ellipse: centre, half its width and height, first and last angle in half turns, 0 to the right, clockwise.
    Arc([f32; 2], [f32; 2], [f32; 2]),
}

use Part::{Arc, Line};

/// The strokes of `digit`, in one of the ways it is written, each as a line through its points.
pub(super) fn of(digit: u8, random: &mut StdRng) -> Vec<Vec<Point>> {
    let other: bool = random.random();
    let strokes: Vec<Vec<Part>> = match (digit, other) {
        (0, _) => vec![vec![Arc([0.5, 0.5], [0.42, 0.5], [-0.5, 1.5])]],
        (1, false) => vec![vec![Line(0.25, 0.25), Line(0.55, 0.0), Line(0.55, 1.0)]],
        (1, true) => vec![
            vec![Line(0.25, 0.25), Line(0.55, 0.0), Line(0.55, 1.0)],
            vec![Line(0.25, 1.0), Line(0.85, 1.0)],
        ],
        (2, _) => vec![vec![
            Arc([0.5, 0.28], [0.4, 0.28], [-1.0, 0.2]),
            Line(0.1, 1.0),
            Line(0.92, 1.0),
        ]],
        (3, false) => vec![vec![
            Arc([0.48, 0.25], [0.38, 0.25], [-0.9, 0.5]),
            Arc([0.48, 0.74], [0.44, 0.26], [-0.5, 0.9]),
        ]],
        (3, true) => vec![vec![
            Line(0.12, 0.0),
            Line(0.85, 0.0),
            Line(0.45, 0.4),
            Arc([0.45, 0.7], [0.44, 0.3], [-0.5, 0.85]),
        ]],
        (4, false) => vec![
            vec![Line(0.62, 0.0), Line(0.06, 0.68), Line(0.95, 0.68)],
            vec![Line(0.68, 0.35), Line(0.68, 1.0)],
        ],
        (4, true) => vec![
            vec![Line(0.2, 0.0), Line(0.12, 0.58), Line(0.92, 0.58)],
            vec![Line(0.7, 0.1), Line(0.7, 1.0)],
        ],
        (5, _) => vec![vec![
            Line(0.88, 0.0),
            Line(0.2, 0.0),
            Line(0.15, 0.45),
            Arc([0.46, 0.68], [0.44, 0.32], [-0.8, 0.85]),
        ]],
        (6, _) => vec![
            vec![
                Line(0.72, 0.0),
                Arc([0.5, 0.68], [0.42, 0.32], [-0.98, -1.0]),
            ],
            vec![Arc([0.5, 0.68], [0.42, 0.32], [-1.0, 1.0])],
        ],
        (7, false) => vec![vec![Line(0.08, 0.0), Line(0.92, 0.0), Line(0.35, 1.0)]],
        (7, true) => vec![
            vec![Line(0.08, 0.0), Line(0.92, 0.0), Line(0.35, 1.0)],
            vec![Line(0.3, 0.5), Line(0.85, 0.5)],
        ],
        (8, _) => vec![
            vec![Arc([0.5, 0.24], [0.34, 0.24], [-0.5, 1.5])],
            vec![Arc([0.5, 0.73], [0.43, 0.27], [-0.5, 1.5])],
        ],
        _ => vec![
            vec![Arc([0.5, 0.32], [0.42, 0.32], [0.0, 2.0])],
            vec![Line(0.92, 0.32), Line(0.78, 0.72), Line(0.5, 1.0)],
        ],
    };
    strokes.iter().map(|parts| points(parts, random)).collect()
}

/// Points close enough to be bent, each moved a little.
fn points(parts: &[Part], random: &mut StdRng) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut shaken = |x: f32, y: f32| Point {
        x: x + random.random_range(-0.02..0.02),
        y: y + random.random_range(-0.015..0.015),
    };
    for part in parts {
        match *part {
            Line(x, y) => {
                let from = points.last().copied().unwrap_or(Point { x, y });
                points.extend((1..=6).map(|step| {
                    let share = step as f32 / 6.0;
                    shaken(from.x + (x - from.x) * share, from.y + (y - from.y) * share)
                }));
            }
            Arc([x, y], [across, down], [first, last]) => {
                points.extend((0..=20).map(|step| {
                    let angle = PI * (first + (last - first) * step as f32 / 20.0);
                    shaken(x + across * angle.cos(), y + down * angle.sin())
                }));
            }
        }
    }
    points
}

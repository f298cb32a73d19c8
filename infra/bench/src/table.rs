//! The table of results: as text for people, as Markdown for pages, as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

/// One thing measured, beside its yardstick.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// What the figure counts.
    pub unit: &'static str,
    /// What it is compared with, measured in the same run unless it says otherwise.
    pub yardstick: String,
    /// The yardstick's figure, in the same unit.
    pub yardstick_value: Option<f64>,
    /// What was asked for, where something was.
    pub goal: Option<Goal>,
    /// What one has to know to read the figure.
    pub note: String,
}

/// A bound the figure should keep.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "bound")]
pub enum Goal {
    /// No more than that.
    AtMost(f64),
    /// No less than that.
    AtLeast(f64),
}

impl Line {
    /// A line without yardstick, goal or note.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            yardstick: String::new(),
            yardstick_value: None,
            goal: None,
            note: String::new(),
        }
    }

    /// Compared with `yardstick`, which measured `value`.
    #[must_use]
    pub fn beside(mut self, yardstick: impl Into<String>, value: f64) -> Self {
        self.yardstick = yardstick.into();
        self.yardstick_value = Some(value);
        self
    }

    /// Meant to keep `goal`.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Read with `note` in mind.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The figure over its yardstick.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let yardstick = self.yardstick_value.filter(|value| *value > 0.0)?;
        Some(self.value / yardstick)
    }

    /// Whether the goal is kept; `None` without one.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        Some(match self.goal? {
            Goal::AtMost(bound) => self.value <= bound,
            Goal::AtLeast(bound) => self.value >= bound,
        })
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self
            .ratio()
            .map_or_else(String::new, |ratio| format!("{} ×", figure(ratio)));
        let yardstick = match self.yardstick_value {
            Some(value) => format!("{}: {}", self.yardstick, figure(value)),
            None => self.yardstick.clone(),
        };
        let goal = match self.goal {
            Some(Goal::AtMost(bound)) => format!("≤ {}", figure(bound)),
            Some(Goal::AtLeast(bound)) => format!("≥ {}", figure(bound)),
            None => String::new(),
        };
        let goal = match self.is_met() {
            Some(true) => format!("{goal} kept"),
            Some(false) => format!("{goal} MISSED"),
            None => goal,
        };
        let value = format!("{} {}", figure(self.value), self.unit);
        [
            self.name.clone(),
            value,
            yardstick,
            ratio,
            goal,
            self.note.clone(),
        ]
    }
}

/// Lines under one heading.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Figures that belong side by side: the headings, then the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grid: Vec<Vec<String>>,
}

/// Everything measured in one run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Table {
    /// Where and when it was measured.
    pub machine: String,
    /// The sections, in the order they were measured.
    pub sections: Vec<Section>,
}

const HEADINGS: [&str; 6] = ["", "measured", "yardstick", "ratio", "goal", "note"];

impl Table {
    /// Columns aligned with spaces.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        for section in &self.sections {
            let _ = writeln!(text, "\n{}", section.title);
            for rows in section.tables() {
                let mut widths = vec![0; rows[0].len()];
                for row in &rows {
                    for (width, cell) in widths.iter_mut().zip(row) {
                        *width = (*width).max(cell.chars().count());
                    }
                }
                for row in &rows {
                    let cells: Vec<_> = row
                        .iter()
                        .zip(&widths)
                        .map(|(cell, width)| format!("{cell:<width$}"))
                        .collect();
                    let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
                }
                text.push('\n');
            }
        }
        text
    }

    /// A table for each section.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        for section in &self.sections {
            let _ = writeln!(text, "\n### {}", section.title);
            for rows in section.tables() {
                for (index, row) in rows.iter().enumerate() {
                    let _ = match index {
                        0 => writeln!(
                            text,
                            "\n| {} |\n|{}",
                            row.join(" | "),
                            "---|".repeat(row.len())
                        ),
                        _ => writeln!(text, "| {} |", row.join(" | ")),
                    };
                }
            }
        }
        text
    }
}

impl Section {
    /// A section of lines.
    #[must_use]
    pub fn of_lines(title: impl Into<String>, lines: Vec<Line>) -> Self {
        Self {
            title: title.into(),
            lines,
            grid: Vec::new(),
        }
    }

    /// Headings and rows of the grid and of the lines, where there are any.
    fn tables(&self) -> Vec<Vec<Vec<String>>> {
        let mut tables = Vec::new();
        if !self.grid.is_empty() {
            tables.push(self.grid.clone());
        }
        if !self.lines.is_empty() {
            let headings = HEADINGS.map(str::to_owned).to_vec();
            let rows = self.lines.iter().map(|line| line.cells().to_vec());
            tables.push(std::iter::once(headings).chain(rows).collect());
        }
        tables
    }
}

/// Three significant digits; whole numbers from a hundred.
#[must_use]
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    let decimals = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ if size >= 0.01 => 4,
        _ => 5,
    };
    format!("{value:.decimals$}")
}

/// The middle of the values; of two middles the lower.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_its_ratio_and_whether_its_goal_is_kept() {
        let line = Line::new("submit", 0.4, "CPU-s")
            .beside("echo", 0.1)
            .goal(Goal::AtMost(0.5));
        let missed = Line::new("submit", 1_000.0, "/s").goal(Goal::AtLeast(1_500.0));
        let table = Table {
            machine: "here".to_owned(),
            sections: vec![Section::of_lines("Submit", vec![line, missed])],
        };

        let text = table.text();
        assert!(text.contains("echo: 0.100  4.00 ×  ≤ 0.500 kept"), "{text}");
        assert!(text.contains("≥ 1500 MISSED"), "{text}");
        let rows = table.markdown();
        assert!(rows.contains("| submit | 0.400 CPU-s | echo: 0.100 | 4.00 × | ≤ 0.500 kept |"));
    }

    #[test]
    fn the_median_of_an_odd_number_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![3.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}

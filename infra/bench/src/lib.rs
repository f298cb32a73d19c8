//! What the system costs to run: processor time, units of the tables, bytes, latency and memory, each beside a yardstick
//! measured in the same run.
//!
//! Machines differ and are shared, so figures are given as ratios to the yardstick; processor time is preferred to the
//! time on the clock. No function links this crate.

pub mod cost;
pub mod disk;
pub mod engine;
pub mod fill;
pub mod functions;
pub mod growth;
pub mod load;
pub mod meter;
pub mod pages;
pub mod process;
pub mod publishing;
pub mod records;
pub mod stage;
pub mod submit;
pub mod table;
pub mod world;
pub mod yardstick;

/// Any fault: a bench that cannot measure says why and stops.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

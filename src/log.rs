//! What a function writes to its log: lines of JSON or text on standard output.

use std::io;
use std::process::ExitCode;

use lambda_runtime::Error;
use lambda_runtime::tracing::subscriber::filter::{LevelFilter, Targets};
use lambda_runtime::tracing::subscriber::layer::SubscriberExt;
use lambda_runtime::tracing::subscriber::{fmt, util::SubscriberInitExt};

use crate::config::optional;

/// Starts the log, as Lambda's logging controls ask for: `AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`, or `RUST_LOG`,
/// which may name targets.
///
/// The runtime's own default does the same with a filter that also matches the fields of spans, by regular expressions:
/// a third of a megabyte of every function, and part of every cold start.
pub fn start() {
    let filter = filter(
        optional("RUST_LOG").as_deref(),
        optional("AWS_LAMBDA_LOG_LEVEL").as_deref(),
    );
    let lines = fmt()
        .with_target(false)
        .without_time()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(io::stdout);
    match optional("AWS_LAMBDA_LOG_FORMAT") {
        Some(format) if format.eq_ignore_ascii_case("json") => {
            lines.json().finish().with(filter).init();
        }
        _ => lines.finish().with(filter).init(),
    }
}

/// How a function's process ends: what kept it from serving is a line of its log, like all it says, and not plain text
/// beside it.
pub fn outcome(served: Result<(), Error>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %chain(&*error), "the function cannot serve");
            ExitCode::FAILURE
        }
    }
}

/// An error and all its causes, for a log line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Targets named for this process go before the level set for the function; `INFO` where neither can be read.
fn filter(directives: Option<&str>, level: Option<&str>) -> Targets {
    let directives = directives.and_then(|directives| directives.parse::<Targets>().ok());
    directives.unwrap_or_else(|| {
        let level = level.and_then(|level| level.parse().ok());
        Targets::new().with_default(level.unwrap_or(LevelFilter::INFO))
    })
}

#[cfg(test)]
mod tests {
    use lambda_runtime::tracing::Level;

    use super::*;

    #[test]
    fn the_level_is_what_lambda_says_or_info() {
        for (level, debug, info) in [
            (None, false, true),
            (Some("DEBUG"), true, true),
            (Some("error"), false, false),
            (Some("FATAL"), false, true),
        ] {
            let filter = filter(None, level);

            assert_eq!(
                filter.would_enable("hyper", &Level::DEBUG),
                debug,
                "{level:?}"
            );
            assert_eq!(
                filter.would_enable("thuocdo", &Level::INFO),
                info,
                "{level:?}"
            );
        }
    }

    #[test]
    fn targets_may_be_named() {
        let filter = filter(Some("warn,thuocdo=debug"), Some("INFO"));

        assert!(filter.would_enable("thuocdo::store", &Level::DEBUG));
        assert!(!filter.would_enable("hyper", &Level::INFO));
    }
}

//! Shows what is going on: a spinner on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use testbed::progress::Progress;
use tokio::time::Instant;

/// One step of a command, shown from [`Step::begin`] to [`Step::done`].
pub(crate) struct Step {
    name: &'static str,
    bar: ProgressBar,
    start: Instant,
}

impl Step {
    /// Shows that the step begins.
    pub(crate) fn begin(name: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_prefix(name);
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        if bar.is_hidden() {
            println!("… {name}");
        }
        Self {
            name,
            bar,
            start: Instant::now(),
        }
    }

    /// Shows that it is done; `result` says what came out, and may be empty.
    pub(crate) fn done(self, result: &str) {
        self.bar.finish_and_clear();
        let seconds = self.start.elapsed().as_secs_f32();
        println!("✓ {}  {result}  ({seconds:.1} s)", self.name);
    }
}

impl Progress for Step {
    fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            println!("  {line}");
        } else {
            self.bar.set_message(line.to_owned());
        }
    }
}

impl Drop for Step {
    // A step that failed leaves no spinner behind.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

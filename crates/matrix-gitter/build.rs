//! Tells the program which commit it was built from.

use std::path::Path;
use std::process::Command;

fn main() {
    println!(
        "cargo::rustc-env=MATRIX_GITTER_COMMIT={}",
        commit().unwrap_or_else(|| "unknown".to_owned())
    );
    let git = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git");
    for file in ["HEAD", "logs/HEAD"] {
        let path = git.join(file);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
}

fn commit() -> Option<String> {
    // Distributions build from a tarball and say themselves what it is.
    if let Ok(given) = std::env::var("MATRIX_GITTER_COMMIT") {
        return Some(given);
    }
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}

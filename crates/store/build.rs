//! A new migration has to be built in, although no source file names it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}

//! The library through its front door.
//!
//! - `recorded`: every recorded REST and OAuth case that one of its calls can ask, through the real client.
//! - `hostile`: answers that Gitter never gives, but what stands between it and us does.
//! - `sandbox`: REST and realtime over real sockets, against the Gitter in memory, with faults.
//!
//! To add a file: a `mod` line here.

#[cfg(test)]
mod it {
    mod check;
    mod hostile;
    mod recorded;
    mod sandbox;
    mod support;
}

//! The contract between the bridge and a remote network: a small trait plus plain data, no I/O.

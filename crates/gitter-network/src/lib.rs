//! The remote contract, fulfilled by Gitter.

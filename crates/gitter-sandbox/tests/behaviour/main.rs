//! The sandbox through its front door: an application's walk, patience, faults, pages.

mod caller;
mod faults;
mod pages;
mod patience;
mod walk;

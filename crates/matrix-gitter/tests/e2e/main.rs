//! The whole road: the real program between a real Synapse and a sandbox Gitter, through what people see on both sides.
//!
//! Each test has a bridge, a Gitter and people of its own ([`scene::Scene`]), mostly two of them in one room
//! ([`gathering::Gathering`]); only the Synapse is shared. A test says which sentence of the program's promises it proves. One more test goes into the file of its subject.

mod admins;
mod changes;
mod commands;
mod database;
mod delivery;
mod doctor;
mod gathering;
mod http;
mod invites;
mod kinds;
mod limits;
mod login;
mod management;
mod markup;
mod media;
mod own_changes;
mod pages;
mod people;
mod postgres;
mod program;
mod puppeting;
mod reading;
mod rooms;
mod scene;
mod shell;
mod siege;
mod space;
mod talk;
mod tls;
mod town;
mod upkeep;
mod web_client;

//! The API of the contract, and what its benchmark floor shares with it.

mod api;
mod cache;
mod config;
mod identifier;
mod json_object;
mod logging;
mod password;
mod problem;
mod process;
mod server;
mod store;
mod token;
mod upload;
mod view;

pub mod floor;

pub use process::run;

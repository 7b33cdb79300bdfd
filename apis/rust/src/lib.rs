//! An API for users, posts and files over PostgreSQL and Redis.

pub mod cache;
pub mod config;
mod cooldown;
pub mod db;
pub mod floor;
pub mod http;
mod password;

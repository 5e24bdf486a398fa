//! Every action against recorded answers of a real server, and against answers no server should give.

mod models;
mod odd;
mod reads;
mod refusals;
mod server;
mod writes;

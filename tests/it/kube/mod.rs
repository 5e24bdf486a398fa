//! The family `kube` against an API server that says set things: what it asks, what it makes of each answer, and what it
//! does when a watch breaks. Against a real cluster it is tested in the lab.

mod identity;
mod node;
mod objects;
mod parts;
mod roles;
mod server;
mod waits;
mod workers;

//! Pipelines, training runs and test suites: the actions with stand-ins for the programs they start. With the real
//! ones they are run by the lab.

mod kfp;
mod model;
mod pytest;
mod training;

//! Tables: the contract of the feature component, and tables on a real store.

use specrun::check::Verdict;

use crate::room::{Fault, Room};

pub const ROOM: Room = Room {
    services: &["kfp", "s3"],
    judges_times: false,
    specs: &["tests/live/tables_on_s3.yaml"],
    faults: &[
        // One amount of the features is empty.
        Fault {
            environment: "examples/lab/faults/T04-null.yaml",
            spec: "specs/data/T04_feature_contract.yaml",
            checks: &[
                ("contract.not_null[amount_norm]", Verdict::Failed),
                ("expect[1]", Verdict::Failed),
            ],
        },
        // A column of the features has another name.
        Fault {
            environment: "examples/lab/faults/T04-renamed.yaml",
            spec: "specs/data/T04_feature_contract.yaml",
            checks: &[
                ("contract.schema", Verdict::Failed),
                ("contract.not_null[payments_7d]", Verdict::Inconclusive),
                ("expect[1]", Verdict::Failed),
                ("expect[2]", Verdict::Failed),
            ],
        },
        // The features lack the last row.
        Fault {
            environment: "examples/lab/faults/T04-lost.yaml",
            spec: "specs/data/T04_feature_contract.yaml",
            checks: &[
                ("contract.row_count", Verdict::Failed),
                ("expect[1]", Verdict::Failed),
                ("expect[3]", Verdict::Failed),
                ("expect[4]", Verdict::Failed),
            ],
        },
    ],
};

#[test]
fn the_feature_component_and_tables_on_a_store_stand() {
    ROOM.stands();
}

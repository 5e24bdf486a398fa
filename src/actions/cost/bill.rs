//! Rows of a bill: the columns of AWS' Cost and Usage Reports (both generations) and of FOCUS.
//!
//! Another format is another entry in [`FORMATS`].

use schemars::JsonSchema;
use serde::Deserialize;

/// Whose columns a bill has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// AWS Cost and Usage Report 2.0: `line_item_unblended_cost`.
    AwsCur2,
    /// AWS Cost and Usage Report, the older one: `lineItem/UnblendedCost`.
    AwsCur,
    /// FOCUS: `BilledCost`.
    Focus,
}

/// Where a format has what is read.
pub struct Columns {
    pub format: Format,
    /// What is paid.
    pub cost: &'static str,
    /// What it costs by list price, on demand.
    pub list: &'static str,
    pub currency: &'static str,
    pub resource: &'static str,
    /// What kind of row it is, and the words for usage.
    pub kind: (&'static str, &'static [&'static str]),
    /// How it is priced, and the word for spot capacity.
    pub pricing: (&'static str, &'static str),
    pub start: &'static str,
    pub end: &'static str,
}

const AWS_USAGE: &[&str] = &["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"];

/// Every format that is read.
pub const FORMATS: &[Columns] = &[
    Columns {
        format: Format::AwsCur2,
        cost: "line_item_unblended_cost",
        list: "pricing_public_on_demand_cost",
        currency: "line_item_currency_code",
        resource: "line_item_resource_id",
        kind: ("line_item_line_item_type", AWS_USAGE),
        pricing: ("pricing_term", "Spot"),
        start: "line_item_usage_start_date",
        end: "line_item_usage_end_date",
    },
    Columns {
        format: Format::AwsCur,
        cost: "lineItem/UnblendedCost",
        list: "pricing/publicOnDemandCost",
        currency: "lineItem/CurrencyCode",
        resource: "lineItem/ResourceId",
        kind: ("lineItem/LineItemType", AWS_USAGE),
        pricing: ("pricing/term", "Spot"),
        start: "lineItem/UsageStartDate",
        end: "lineItem/UsageEndDate",
    },
    Columns {
        format: Format::Focus,
        cost: "BilledCost",
        list: "ListCost",
        currency: "BillingCurrency",
        resource: "ResourceId",
        kind: ("ChargeCategory", &["Usage"]),
        pricing: ("PricingCategory", "Dynamic"),
        start: "ChargePeriodStart",
        end: "ChargePeriodEnd",
    },
];

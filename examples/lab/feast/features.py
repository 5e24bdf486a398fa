"""What the lab's Feast knows: one view over a Parquet file, fed by batches and by pushes."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float32, Int64, String

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)

stats = FileSource(
    name="customer_stats_source",
    path="data/customer_stats.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)

# A push finds its source only when a view uses it.
push = PushSource(name="customer_push", batch_source=stats)

customer_stats = FeatureView(
    name="customer_stats",
    entities=[customer],
    ttl=timedelta(days=7),
    online=True,
    source=push,
    schema=[
        Field(name="n_tx_7d", dtype=Int64),
        Field(name="avg_amount", dtype=Float32),
        Field(name="segment", dtype=String),
    ],
)

fraud = FeatureService(name="fraud", features=[customer_stats])

EVERYTHING = [customer, push, customer_stats, fraud]

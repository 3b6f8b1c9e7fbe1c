"""Scenarios to import, run by name, or copy: functions that return a Scenario, or a Comparison of several.

>>> from scenarios import nats_leaf_outage
>>> nats_leaf_outage(sites=2, outage_s=5.0).sites
('site-1', 'site-2')
"""

from .kafka_direct_outage import kafka_direct_outage
from .leaf_versus_mirrormaker import leaf_versus_mirrormaker
from .mirrormaker_outage import mirrormaker_outage
from .mirrormaker_restart_in_outage import mirrormaker_restart_in_outage
from .nats_core_outage import nats_core_outage
from .nats_direct_outage import nats_direct_outage
from .nats_leaf_outage import nats_leaf_outage
from .nats_partition import nats_partition

__all__ = [
    "kafka_direct_outage",
    "leaf_versus_mirrormaker",
    "mirrormaker_outage",
    "mirrormaker_restart_in_outage",
    "nats_core_outage",
    "nats_direct_outage",
    "nats_leaf_outage",
    "nats_partition",
]

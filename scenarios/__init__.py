"""Scenarios to import, run by name, or copy: functions that return a Scenario, or a Comparison of several.

>>> from scenarios import nats_leaf_outage
>>> nats_leaf_outage(sites=2, outage_s=5.0).sites
('site-1', 'site-2')
"""

from .leaf_versus_mirrormaker import leaf_versus_mirrormaker
from .nats_core_outage import nats_core_outage
from .nats_direct_outage import nats_direct_outage
from .nats_leaf_outage import nats_leaf_outage
from .nats_partition import nats_partition

__all__ = ["leaf_versus_mirrormaker", "nats_core_outage", "nats_direct_outage", "nats_leaf_outage", "nats_partition"]

"""Scenarios to import, run by name, or copy: functions with keyword parameters that return a Scenario.

>>> from scenarios import nats_leaf_outage
>>> nats_leaf_outage(sites=2, outage_s=5.0).sites
('site-1', 'site-2')
"""

from .nats_core_outage import nats_core_outage
from .nats_direct_outage import nats_direct_outage
from .nats_leaf_outage import nats_leaf_outage
from .nats_partition import nats_partition

__all__ = ["nats_core_outage", "nats_direct_outage", "nats_leaf_outage", "nats_partition"]

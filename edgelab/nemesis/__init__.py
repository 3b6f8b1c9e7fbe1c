"""Makes things go wrong on schedule, measures when they really did, and puts them right again.

In the order in which they act: ``moments`` and ``holds`` plan (pure); ``injector`` plays; ``toxiproxy`` (through
``client`` and ``fanout``) and ``process`` do it; ``probe`` and ``confirm`` check that it bit and cleared;
``windows`` keeps what was measured; ``link_bytes`` counts what crossed each link.
"""

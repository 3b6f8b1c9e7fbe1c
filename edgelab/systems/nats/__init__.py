"""NATS: leaf nodes with and without a store at the site, and publishing straight across the link.

versions    what each nats-server can do, and how the leaf is kept from going round the link
config      texts of configurations, ours and the user's
common      options, services and links that the three systems share
leaf, core, direct   the systems
door        the one place where the synchronous controller runs a coroutine
control     requests to JetStream, and waiting for sessions and sources
monitor     what a server's monitoring endpoint says
wire, reading        reading a whole stream back, fast
logs        what a site broker's log says about its session
causes      why a message was lost
"""

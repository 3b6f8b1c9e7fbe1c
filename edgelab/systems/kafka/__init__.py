"""Kafka: MirrorMaker 2 between a broker at the site and the hub, and publishing straight across the link.

versions     what each version of Kafka can do
properties   Java properties: the user's read, ours written
keys         which settings each component knows, and which are the lab's
settings     one setting and its reason; the settings of several sources in one
presets      the presets, as data
heap         JVM options: the user's and ours
launch       the scripts that start a JVM, and its logging
broker       configurations and services of brokers
mirror, standalone   configurations of MirrorMaker, and its service
publishing, common   options that the two systems share
mirror_options, checking   options of sites and mirrors, and what contradicts itself among them
mirrormaker, direct  the systems
topics, readiness    topics made, and waiting for the mirror
clients, tables      connections of the lab's own, with deadlines; topics that are tables
states, positions    what a mirror says of itself, and where it stands
reading, counting    reading a whole topic back, fast; counting it by another way
logs         what brokers and mirrors log about their sessions
causes, remarks      why a message was lost; what one must know of Kafka to understand a recovery
"""

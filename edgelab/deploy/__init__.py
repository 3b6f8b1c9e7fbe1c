"""From a topology to running services.

=====================  ==============================================================================
``base``               the protocols: Runtime, Deployment
``choose``             which runtime
``process``            services as local processes (``child``: one of them; ``preflight``: config checks)
``compose_runtime``    services as containers (``compose_start``: its steps; ``containers``: the engine's view)
``compose``            topology -> compose file, pure
``addresses``          what placeholders become; ``ports``: free ports that no other lab takes
``ready``              wait for a predicate, with a deadline
``artifacts``          binaries of any version (``toolchain``: Go; ``cache``: where they are kept)
``images``             container images; ``engine``: a Docker engine where there is none
``clean``              remove what dead labs left (``owner``: whose a thing is); ``doctor``: what works here
=====================  ==============================================================================
"""

# SPDX-License-Identifier: Apache-2.0
"""Do a detector's heat maps point at lesions, and is it the detector that they are of?"""


class MapError(Exception):
    """Photos, masks or a model that no figures can be made with (exit status 1)."""

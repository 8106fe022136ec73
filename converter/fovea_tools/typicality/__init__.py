# SPDX-License-Identifier: Apache-2.0
"""How like the photos that it knows a detector finds a photo: the statistics that its file holds."""

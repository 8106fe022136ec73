# SPDX-License-Identifier: Apache-2.0
"""Tools around the .fovea model file: conversion from Keras, inspection."""

__version__ = "0.1.0"

# SPDX-License-Identifier: Apache-2.0
"""Do the tests notice when a rule is missing? Each mutant is a copy of the sources with one thing wrong."""

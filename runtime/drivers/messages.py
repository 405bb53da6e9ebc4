"""How a driver and its worker processes speak: each message is JSON after its length in bytes.

Apart from both ends, because the worker's module is run and must not be imported.
"""

import struct

HEADER = struct.Struct(">Q")
"""The length of a message."""

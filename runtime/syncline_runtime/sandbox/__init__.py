"""Stand-ins for systems, on loopback, made from their descriptions alone.

``serve`` starts them in this process; ``sandbox_command_body`` is what `syncline sandbox` does.
"""

from syncline_runtime.sandbox.command import DEFAULT_PORT, sandbox_command_body
from syncline_runtime.sandbox.server import Sandbox, serve

__all__ = ["DEFAULT_PORT", "Sandbox", "sandbox_command_body", "serve"]

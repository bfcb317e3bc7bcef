"""The loops around the codecs: what reads files and sockets."""

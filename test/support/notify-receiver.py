"""Receives what a service tells systemd (sd_notify(3)): binds the datagram socket argv[1], prints one JSON string a message."""
import json
import socket
import sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    message = receiver.recv(65536).decode()
    print(json.dumps(message), flush=True)

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled } from '../machine.mjs'
import { startProgram } from '../processes.mjs'

export const nginx = {
  id: 'nginx',
  name: 'nginx',
  howToInstall: 'apt-get install nginx',
  speaks: ['tls', 'http2', 'messages'],
  isInstalled: () => isInstalled('nginx'),
  start({ backendPort, port, core, folder, tls }) {
    mkdirSync(folder)
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, configuration({ backendPort, port, tls }))
    return startProgram(['nginx', '-p', folder, '-e', 'stderr', '-c', file], { core, port })
  },
}

// One process that carries, bodies streamed in both directions, upstream connections kept: what a reverse proxy for
// applications is told to do, and what the others here do.
function configuration({ backendPort, port, tls }) {
  return `
daemon off;
pid nginx.pid;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log stderr error;
events { worker_connections 19000; }
http {
  access_log off;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_upgrade $upstream_connection { default upgrade; '' ''; }
  upstream backend {
    server 127.0.0.1:${backendPort};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Connection $upstream_connection;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_request_buffering off;
  proxy_buffers 16 16k;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 600s;
  server {
    listen 127.0.0.1:${port} backlog=4096${tls === null ? '' : ' ssl http2'};
    http2_max_concurrent_streams 1000;
    ${tls === null ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`}
    location / { proxy_pass http://backend; }
    location = /events { proxy_pass http://backend; proxy_buffering off; }
  }
}
`
}

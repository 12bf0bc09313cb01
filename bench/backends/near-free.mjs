// A backend that costs next to nothing, so that the proxy in front is what is measured: nginx with ready answers, if it is
// there; else raw sockets of Node. Both are executables that listen on PROXY_PORT, as any worker of a version may be.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled } from '../machine.mjs'

export const answerSizes = [64, 1_024, 102_400]
export const nearFreeName = isInstalled('nginx') ? 'nginx with ready answers' : 'raw node:net (nginx is not installed)'

/** Puts the executable `worker` into a folder. */
export function addNearFreeWorker(folder) {
  const worker = join(folder, 'worker')
  writeFileSync(worker, isInstalled('nginx') ? nginxWorker(folder) : rawWorker(folder))
  chmodSync(worker, 0o755)
}

function nginxWorker(folder) {
  mkdirSync(join(folder, 'files'))
  for (const size of answerSizes) writeFileSync(join(folder, 'files', String(size)), 'x'.repeat(size))
  return `#!/bin/sh
cat > '${folder}/nginx.conf' <<END
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
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
  sendfile on;
  open_file_cache max=10;
  upstream itself { server 127.0.0.1:$PROXY_PORT; keepalive 100; }
  server {
    listen 127.0.0.1:$PROXY_PORT backlog=4096;
    root files;
    location = /64 { return 200 '${'x'.repeat(64)}'; }
    location = /1024 { return 200 '${'x'.repeat(1_024)}'; }
    location = /upload {
      # A ready answer would come before the body: nginx only reads it for a proxy, which it is to itself.
      client_body_buffer_size 2m;
      proxy_pass_request_body off;
      proxy_set_header Content-Length '';
      proxy_set_header Connection '';
      proxy_http_version 1.1;
      proxy_method GET;
      proxy_pass http://itself/64;
    }
  }
}
END
exec nginx -p '${folder}' -e stderr -c '${folder}/nginx.conf'
`
}

function rawWorker(folder) {
  const file = join(folder, 'raw-responder.mjs')
  copyFileSync(fileURLToPath(new URL('raw-responder.mjs', import.meta.url)), file)
  return `#!/bin/sh\nexec '${process.execPath}' '${file}'\n`
}

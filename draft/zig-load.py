import socket,sys,time,os,select
port=int(sys.argv[1]); pid=int(sys.argv[2]); path=sys.argv[3]; n=int(sys.argv[4]); C=16
raw=f'GET {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()
def cpu():
    f=open(f'/proc/{pid}/stat').read().rsplit(')',1)[1].split(); return (int(f[11]),int(f[12]))
ss=[socket.create_connection(('127.0.0.1',port)) for _ in range(C)]
def one(s):
    s.sendall(raw)
def length(s):
    b=s.recv(65536)
    while b'\r\n\r\n' not in b: b+=s.recv(65536)
    h,_,r=b.partition(b'\r\n\r\n'); l=int(h.lower().split(b'content-length: ')[1].split(b'\r\n')[0]); assert h.startswith(b'HTTP/1.1 200'),h
    left=l-len(r)
    while left>0: left-=len(s.recv(min(left,1<<20)))
def run(k):
    for _ in range(k//C):
        for s in ss: s.sendall(raw)
        for s in ss: length(s)
run(1000); a=cpu(); t=time.time(); run(n); b=cpu(); d=time.time()-t
print(f'{path:32} user {(b[0]-a[0])*1e4/n:6.2f} us  sys {(b[1]-a[1])*1e4/n:6.2f} us   ({n/d:.0f}/s)')

exec(open('W/help/zig-try.py').read().split("if __name__")[0])
for k in range(6):
    if not os.path.exists(f'/proc/{pid()}'): start()
    idle=sockets(50,b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'); [s.recv(1000) for s in idle]
    t=time.time(); p=pid(); os.kill(p,15)
    while os.path.exists(f'/proc/{p}'): time.sleep(.005)
    print('idle',round(time.time()-t,3)); start()
    part=sockets(20,b'GET /healthz HTTP/1.1\r\nHost: x\r\nX-')
    t=time.time(); p=pid(); os.kill(p,15)
    while os.path.exists(f'/proc/{p}'): time.sleep(.005)
    print('partial',round(time.time()-t,3)); start()

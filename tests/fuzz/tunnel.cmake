slopn_fuzz(request_path SOURCES request_path.cpp LIBS slopn::session)
foreach(target gateway_streams gateway_udp server_door)
  slopn_fuzz(${target} SOURCES ${target}.cpp LIBS slopn::test_tunnel)
endforeach()

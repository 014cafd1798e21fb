foreach(target capsules coalescer concealed_auth connect_ip connect_ip_stream http_datagram icmp
    ip_packet private_features segmenter)
  slopn_fuzz(${target} SOURCES ${target}.cpp LIBS slopn::core)
endforeach()
